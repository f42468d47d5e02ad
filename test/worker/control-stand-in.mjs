/**
 * The control plane as an edge sees it: holds what a test published and answers `read`, `snapshot` and `record` over real RPC.
 * `publish`, `fail` and `delay` are the test's own way in, by RPC or, from another process, by HTTP.
 */
import { WorkerEntrypoint } from 'cloudflare:workers'

const state = { update: null, bodies: new Map(), reads: 0, failure: null, delayMs: 0 }

export class ControlRpc extends WorkerEntrypoint {
  async read(known) {
    state.reads += 1
    if (state.delayMs > 0) await scheduler.wait(state.delayMs)
    if (state.failure !== null) throw new Error(state.failure)
    if (state.update === null) throw new Error('nothing was published')
    const { kills } = state.update
    const current = known.epoch === kills.epoch && known.kills === kills.version
    return { ...state.update, kills: current ? null : kills }
  }

  snapshot(epoch, version) {
    const body = state.bodies.get(`${epoch}/${version}`)
    if (state.failure !== null) throw new Error(state.failure)
    if (body === undefined) throw new Error(`version ${epoch}/${version} is not kept`)
    return body
  }

  record() {
    return { flushMs: 1_000 }
  }

  publish(update, body) {
    publish(update, body)
  }

  fail(message) {
    state.failure = message
  }

  reads() {
    return state.reads
  }
}

function publish(update, body) {
  state.update = update
  state.failure = null
  if (body !== undefined) state.bodies.set(`${update.epoch}/${update.snapshot}`, body)
}

/** `POST { publish: { update, body }?, failure?, delayMs? }` changes the state; every answer tells how many reads there were. */
export default {
  async fetch(request) {
    if (request.method === 'POST') {
      const { publish: published, ...rest } = await request.json()
      if (published) publish(published.update, published.body)
      Object.assign(state, rest)
    }
    return Response.json({ reads: state.reads })
  },
}
