/** A variable that is not set as it must be. What starts and what deploys Turnout says so before anything runs. */
export class SettingError extends Error {
  /** A sentence that names the variable and what it may hold, without what it does hold. */
  readonly rule: string

  /** `given` is shown to operators: nothing of a secret. */
  constructor(rule: string, given?: string) {
    super(given === undefined ? rule : `${rule}, got ${JSON.stringify(given)}`)
    this.rule = rule
  }
}
