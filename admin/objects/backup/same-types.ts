/**
 * Holds the records of a backup to what is stored: a field more or less here or there does not compile. The command line
 * reads backups too and cannot know the storage, so both are written down.
 */
import type { Person, Token } from '../../access/grants.ts'
import type { RecordName, RecordOf } from '../../backup/records.ts'
import type { Approval } from '../../storage/approvals.ts'
import type { StoredFreeze, StoredWindow } from '../../storage/calendar.ts'
import type { EntityRow } from '../../storage/entity-rows.ts'
import type { KillRecord } from '../../storage/kills.ts'
import type { Review } from '../../storage/reviews.ts'
import type { FlagsBefore, Schedule } from '../../storage/schedules.ts'
import type { Version } from '../../storage/versions.ts'

type Same<A, B> = [Required<A>, keyof A] extends [Required<B>, keyof B]
  ? [Required<B>, keyof B] extends [Required<A>, keyof A]
    ? true
    : false
  : false

type Of<N extends RecordName<'environment'>> = RecordOf<'environment', N>

/** A `schedule` brings along what is stored beside it. */
export const SAME: readonly [
  Same<KillRecord, Of<'kill'>>,
  Same<Approval, Of<'approval'>>,
  Same<Schedule & { readonly before: FlagsBefore | null }, Of<'schedule'>>,
  Same<StoredWindow, Of<'window'>>,
  Same<StoredFreeze, Of<'freeze'>>,
  Same<Review, Of<'review'>>,
  Same<EntityRow, Of<'entity'>>,
  Same<Version, Of<'version'>>,
  Same<Token & { readonly hash: string }, RecordOf<'access', 'token'>>,
  Same<Person, RecordOf<'access', 'person'>>,
] = [true, true, true, true, true, true, true, true, true, true]
