/** Something the user can mend: its message is one sentence that names what to change. Caught only in main.ts. */
export class StartError extends Error {}

/** The message of anything thrown. */
export const reason = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown))
