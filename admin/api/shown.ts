/** How approvals and schedules are answered: ids with their environment, times in RFC 3339. */
import type { Approval } from '../storage/approvals.ts'
import type { Schedule } from '../storage/schedules.ts'
import { timeOf, timeOrNull } from './time.ts'

export const shownApproval = (environment: string, approval: Approval) => ({
  id: `${environment}:${approval.n}`,
  environment,
  status: approval.status,
  action: approval.action,
  subject: approval.subject,
  actor: approval.actor,
  reason: approval.reason,
  raising: approval.raising,
  needed: approval.needed,
  votes: approval.votes.map(({ actor, at: votedAt, note }) => ({ actor, at: votedAt, note })),
  createdAt: timeOf(approval.createdAtMs),
  expiresAt: timeOf(approval.expiresAtMs),
  decidedAt: timeOrNull(approval.decidedAtMs),
  decidedBy: approval.decidedBy,
  note: approval.note,
  version: approval.version,
})

export const shownSchedule = (environment: string, schedule: Schedule) => ({
  id: `${environment}:${schedule.n}`,
  environment,
  status: schedule.status,
  at: timeOf(schedule.atMs),
  until: timeOrNull(schedule.untilMs),
  flags: JSON.parse(schedule.text) as unknown,
  actor: schedule.actor,
  reason: schedule.reason,
  approval: schedule.approval === null ? null : `${environment}:${schedule.approval}`,
  createdAt: timeOf(schedule.createdAtMs),
  version: schedule.version,
  revertedVersion: schedule.revertedVersion,
  problem: schedule.problem,
})
