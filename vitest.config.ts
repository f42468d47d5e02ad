/** Three projects: `node` (pure code, scripts, whole-system tests) and one workerd project for each Worker. */
import { cloudflareTest } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'
import { copyAssets } from './local/assets.ts'

// The control plane's configuration names the folder, which must exist.
copyAssets()

/**
 * In workerd a log is not sent to the reporter: one that an object writes while nobody calls it any more would be waited for,
 * and never arrive.
 */
const disableConsoleIntercept = true

/** As the tests' own limits of time: it only ends what never comes. The same of other waits is in the file of set-up. */
const expect = { poll: { timeout: 60_000 } }
const setupFiles = 'test/helpers/patience.ts'

export default defineConfig({
  test: {
    // What a passing test logs on purpose is nobody's news.
    silent: 'passed-only',
    projects: [
      {
        test: {
          name: 'node',
          include: [
            'test/{engine,edge,governance,backup,aws,storage,local,deploy,selfhost,cli,sdk,repository,e2e}/**/*.test.{ts,tsx}',
          ],
          // Ends what hangs, and nothing that is slow on a busy machine.
          expect,
          setupFiles,
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        plugins: [
          cloudflareTest({
            wrangler: { configPath: './admin/wrangler.toml' },
            miniflare: {
              bindings: {
                ADMIN_BOOTSTRAP_TOKEN: 'token-of-the-tests',
                LOCAL: 'true',
                API_REQUESTS_PER_SECOND: '0',
              },
            },
          }),
        ],
        test: {
          name: 'admin',
          include: ['test/admin/**/*.test.ts'],
          expect,
          setupFiles,
          testTimeout: 120_000,
          disableConsoleIntercept,
          globalSetup: 'test/helpers/aws/global-setup.ts',
        },
      },
      {
        plugins: [
          cloudflareTest({
            wrangler: { configPath: './wrangler.toml' },
            miniflare: {
              bindings: { COOKIE_KEY: 'an identity cookie key for the tests only', LOCAL: 'true' },
              serviceBindings: { SHOP: 'shop' },
              // Where the binding CONTROL leads: the control plane's part of the RPC, and nothing else.
              workers: [
                {
                  name: 'turnout-admin',
                  compatibilityDate: '2026-10-20',
                  modules: [{ type: 'ESModule', path: './test/worker/control-stand-in.mjs' }],
                },
                // An origin that is a Worker.
                {
                  name: 'shop',
                  compatibilityDate: '2026-10-20',
                  modules: [{ type: 'ESModule', path: './test/worker/shop.mjs' }],
                },
              ],
            },
          }),
        ],
        test: {
          name: 'worker',
          include: ['test/worker/**/*.test.ts'],
          expect,
          setupFiles,
          testTimeout: 120_000,
          disableConsoleIntercept,
        },
      },
    ],
  },
})
