/**
 * A snapshot as one visitor sees it who previews a flag: everywhere that flag is asked, as a prerequisite too, it serves the
 * previewed variant, unless it is killed. Pure.
 */
import type { Key, Name } from './document.ts'
import { overridden, Prepared, type PreparedFlag } from './prepare.ts'

export interface PreviewedFlag {
  readonly flag: Key
  readonly variant: Name
}

/** Costs nothing per flag until a flag is asked for. A variant that the flag does not have (any more) changes nothing. */
export const preparePreview = (base: Prepared, previewed: PreviewedFlag): Prepared =>
  new PreviewedSnapshot(base, previewed)

class PreviewedSnapshot extends Prepared {
  readonly #previewed: PreviewedFlag

  constructor({ snapshot, kills }: Prepared, previewed: PreviewedFlag) {
    super(snapshot, kills)
    this.#previewed = previewed
  }

  override flag(key: Key): PreparedFlag | undefined {
    const isNew = !this.ready.has(key)
    const flag = super.flag(key)
    if (flag === undefined || !isNew || key !== this.#previewed.flag) return flag
    const settled = overridden(flag, this.#previewed.variant)
    return settled === null ? flag : Object.assign(flag, { settled, constant: flag.killed ?? settled })
  }
}
