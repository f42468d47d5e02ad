/**
 * Group commit: while one piece of work is being stored, those that come meanwhile gather, and are then done in one turn, so
 * that the platform stores them at once. Each still is a transaction of its own, and nobody is answered before it is stored.
 * Who comes alone waits for nobody.
 */
export class GroupCommit {
  readonly #storage: Pick<DurableObjectStorage, 'sync'>
  /** Resolves when what was done last is stored. */
  #storing: Promise<void> | null = null

  constructor(storage: Pick<DurableObjectStorage, 'sync'>) {
    this.#storage = storage
  }

  async run<T>(work: () => T): Promise<T> {
    if (this.#storing !== null) await this.#storing
    const done = work()
    this.#storing ??= this.#stored()
    return done
  }

  /** If it could not be stored, the platform answers those whose work it was with the error, and ends this instance. */
  #stored(): Promise<void> {
    const goOn = () => {
      this.#storing = null
    }
    return this.#storage.sync().then(goOn, goOn)
  }
}
