/**
 * Bundled in place of zod's error texts in some fifty languages, which are a tenth of the control plane and of no use to it:
 * `[alias]` in wrangler.toml.
 */
export {}
