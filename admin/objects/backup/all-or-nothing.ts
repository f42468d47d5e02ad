/** Transactions that are taken back on purpose: where the answer is a failure, or where it is only asked what would be. */
import type { Answer } from '../answers.ts'

/** Undoes whatever throws in it. */
type Transaction<T> = (work: (nowMs: number) => Answer<T>) => Answer<T> | Promise<Answer<T>>

/** `dryRun`: carried out all the same, as nothing else says so exactly what would be, and taken back. */
export async function allOrNothing<T>(
  transaction: Transaction<T>,
  dryRun: boolean,
  work: (nowMs: number) => Answer<T>,
): Promise<Answer<T>> {
  try {
    return await transaction((nowMs) => {
      const answer = work(nowMs)
      if (dryRun || !answer.ok) throw new TakenBack(answer)
      return answer
    })
  } catch (thrown) {
    if (thrown instanceof TakenBack) return thrown.answer as Answer<T>
    throw thrown
  }
}

class TakenBack {
  readonly answer: Answer<unknown>

  constructor(answer: Answer<unknown>) {
    this.answer = answer
  }
}
