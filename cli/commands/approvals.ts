/** `turnout approvals list | show | approve | reject | cancel`: changes that wait for others. */
import type { components } from '../../admin/api/openapi-types.d.ts'
import { bodyOf } from '../client.ts'
import type { Command } from '../command.ts'
import { comparisonLines } from '../comparison.ts'
import { Failure } from '../failure.ts'
import { reasonOption } from '../options.ts'
import { itemsOf } from '../pages.ts'
import type { Commands } from '../run.ts'
import { type ScopeOptions, scoped, scopeOf } from '../scope.ts'
import { openSession } from '../session.ts'
import { table } from '../table.ts'
import { moment } from '../time.ts'
import type { World } from '../world.ts'

type Approval = components['schemas']['Approval']
type FullApproval = components['schemas']['FullApproval']

const DECISIONS = {
  approve: 'approve a change; the last approval needed carries it out',
  reject: 'reject a change: it is not made',
  cancel: 'take back what you asked for',
} as const

type Decision = keyof typeof DECISIONS

export const approvalCommands: Commands = (program, act) => {
  const approvals = program.command('approvals').summary('changes that wait for others')
  scoped(approvals.command('list'))
    .summary('what waits, newest first')
    .option('--all', 'what was decided, too')
    .action(act(listApprovals))
  withId(approvals.command('show'))
    .summary('one of them, with the change it is about and what that would do now')
    .action(act(showApproval))
  for (const [decision, summary] of Object.entries(DECISIONS))
    withId(approvals.command(decision))
      .summary(summary)
      .addOption(reasonOption())
      .action(
        act((world, id: string, options: NoteOptions) => decide(world, decision as Decision, id, options)),
      )
}

interface NoteOptions {
  readonly reason?: string
}

const withId = (command: Command): Command => command.argument('<id>', 'ENVIRONMENT:NUMBER, as list shows it')

async function listApprovals(
  world: World,
  { all = false, ...scope }: ScopeOptions & { readonly all?: boolean },
): Promise<unknown> {
  const { api } = openSession(world)
  const filter = { ...(all ? {} : { status: 'pending' as const }), ...scopeOf(world, scope) }
  const approvals = await itemsOf((query) =>
    bodyOf(api.GET('/api/v1/approvals', { params: { query: { ...filter, ...query } } })),
  )
  if (approvals.length === 0)
    world.output.line(all ? 'There are no approvals.' : 'Nothing waits for approval.')
  else
    for (const line of table([
      ['ID', 'STATUS', 'CHANGE', 'BY', 'APPROVED', 'ASKED FOR', 'REASON'],
      ...approvals.map((approval) => [
        approval.id,
        approval.status,
        `${approval.action} ${approval.subject}`,
        approval.actor,
        `${approval.votes.length} of ${approval.needed}`,
        moment(approval.createdAt),
        approval.reason ?? '',
      ]),
    ]))
      world.output.line(line)
  return { approvals }
}

async function showApproval(world: World, id: string): Promise<unknown> {
  const { api } = openSession(world)
  const { output } = world
  const approval = await bodyOf(api.GET('/api/v1/approvals/{id}', { params: { path: { id } } }))
  output.line(`${id}: ${stateOf(approval)}`)
  output.line(
    `  ${approval.action} ${approval.subject}, asked for by ${approval.actor} at ${moment(approval.createdAt)}`,
  )
  output.line(`  reason: ${approval.reason ?? 'none given'}`)
  for (const why of approval.raising) output.line(`  raises exposure: ${why}`)
  for (const { actor, at, note } of approval.votes)
    output.line(`  approved by ${actor} at ${moment(at)}${note === null ? '' : `: ${note}`}`)
  for (const line of nowLines(approval)) output.line(line)
  output.line(JSON.stringify(approval.change, null, 2))
  return approval
}

/** What it would do now, and who should not be taken for somebody who still may. */
function nowLines({ actor, actorRevokedAt, now }: FullApproval): string[] {
  return [
    ...(actorRevokedAt === null ? [] : [`  ${actor} was revoked at ${moment(actorRevokedAt)}`]),
    ...(now === null || now.problem === null ? [] : [`  cannot be carried out now: ${now.problem}`]),
    ...(now === null || now.differences.length === 0
      ? []
      : ['If it were carried out now:', ...comparisonLines(now)]),
  ]
}

async function decide(
  world: World,
  decision: Decision,
  id: string,
  { reason }: NoteOptions,
): Promise<unknown> {
  const { api } = openSession(world)
  const approval = await bodyOf(
    api.POST(`/api/v1/approvals/{id}/${decision}`, {
      params: { path: { id } },
      body: reason === undefined ? {} : { reason },
    }),
  )
  if (approval.status === 'stale' || approval.status === 'failed') throw new InVain(approval)
  world.output.line(`${id}: ${stateOf(approval)}`)
  return approval
}

/** Everybody agrees, and the change is not made. */
class InVain extends Failure {
  override readonly result: object

  constructor(approval: Approval) {
    const why = approval.note ?? 'what it is about has changed since; ask for it again'
    super(`${approval.id} was approved, but is not carried out: ${why}`)
    this.result = { approval }
  }
}

function stateOf({ status, votes, needed, version, environment, note, expiresAt }: Approval): string {
  if (status === 'pending')
    return `approved by ${votes.length} of ${needed}, waits until ${moment(expiresAt)}`
  const made = version === null ? '' : `: ${environment} is at version ${version}`
  return `${status}${made}${note === null ? '' : ` (${note})`}`
}
