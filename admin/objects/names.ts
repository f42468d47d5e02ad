/** Names of the objects of which there is one. */

export const PROJECT_NAME = 'project'

export const WEBHOOKS_NAME = 'webhooks'
