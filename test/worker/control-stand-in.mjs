/**
 * The control plane as an edge sees it: holds what a test published and answers `read` and `snapshot` over real RPC.
 * `publish` and `fail` are the test's own way in.
 */
import { WorkerEntrypoint } from 'cloudflare:workers'

const state = { update: null, bodies: new Map(), reads: 0, failure: null }

export class ControlRpc extends WorkerEntrypoint {
  read(known) {
    state.reads += 1
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

  publish(update, body) {
    state.update = update
    state.failure = null
    if (body !== undefined) state.bodies.set(`${update.epoch}/${update.snapshot}`, body)
  }

  fail(message) {
    state.failure = message
  }

  reads() {
    return state.reads
  }
}

export default {
  fetch: () => new Response('only ControlRpc is here', { status: 404 }),
}
