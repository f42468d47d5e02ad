/** Names of environments and what follows from them. Pure. */

/** `{project}.{env}`, or `{env}` alone: the last part says what an environment is for. */
export const isProductionName = (environment: string): boolean =>
  ['prod', 'production'].includes(environment.split('.').at(-1)!.toLowerCase())

/** The part of a Worker's name that stands for its environment. */
export const ofEnvironment = (environment: string): string =>
  environment.toLowerCase().replace(/[._]/g, '-').replace(/-+$/, '')

/** Domains that nobody can own (RFC 2606, RFC 6761): what examples use. */
export const isExampleHost = (host: string): boolean =>
  /(?:^|\.)(?:example(?:\.(?:com|net|org))?|test|invalid|localhost)(?:\/.*)?$/.test(host)
