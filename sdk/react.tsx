'use client'

/**
 * Flags in React: a component renders anew when its own flag's answer changes, and only then. What a server has rendered and
 * what the page starts from are the same, so nothing flickers and nothing mismatches.
 */
import { createContext, type ReactNode, use, useCallback, useMemo, useRef, useSyncExternalStore } from 'react'
import type { Client, Details, FlagKey, FlagValue, FlagVariant, Value } from './client.ts'
import type { Bootstrap } from './remote.ts'

export interface TurnoutProviderProps {
  /** Any client of this package: the remote one in a page, the request's or the local one on a server. */
  readonly client: Client
  /** Answers that the page was rendered with. Default: those in the page's own element. */
  readonly bootstrap?: Bootstrap | null
  /** Whether components wait in their `Suspense` boundary for the first answers, in place of rendering defaults. Default `false`. */
  readonly suspend?: boolean
  readonly children?: ReactNode
}

interface Shared {
  readonly client: Client
  /** Values that the page was rendered with, by key. */
  readonly rendered: ReadonlyMap<string, unknown>
  readonly suspend: boolean
}

const Flags = createContext<Shared | null>(null)

/** As the remote client has it. */
const BOOTSTRAP_ID = 'turnout-flags'

export function TurnoutProvider({ client, bootstrap, suspend = false, children }: TurnoutProviderProps) {
  const shared = useMemo(
    () => ({ client, suspend, rendered: renderedValues(bootstrap) }),
    [client, suspend, bootstrap],
  )
  return <Flags value={shared}>{children}</Flags>
}

/** The client, for what hooks do not do. */
export const useFlags = (): Client => useShared().client

/** A flag's value; the type of the default is the type that is asked for. */
export function useFlag(key: FlagKey<boolean>, defaultValue: boolean): boolean
export function useFlag<K extends FlagKey<string>>(
  key: K,
  defaultValue: FlagValue<K, string>,
): FlagValue<K, string>
export function useFlag(key: FlagKey<number>, defaultValue: number): number
export function useFlag<T extends object, K extends FlagKey<object> = FlagKey<object>>(
  key: K,
  defaultValue: FlagValue<K, T>,
): FlagValue<K, T>
export function useFlag(key: string, defaultValue: Value): Value {
  return useAnswer(key, defaultValue, ({ value }) => value)
}

/** As `useFlag`, with variant and reason; renders anew when one of these changes. */
export function useFlagDetails<K extends FlagKey<boolean>>(
  key: K,
  defaultValue: boolean,
): Details<boolean, FlagVariant<K>>
export function useFlagDetails<K extends FlagKey<string>>(
  key: K,
  defaultValue: FlagValue<K, string>,
): Details<FlagValue<K, string>, FlagVariant<K>>
export function useFlagDetails<K extends FlagKey<number>>(
  key: K,
  defaultValue: number,
): Details<number, FlagVariant<K>>
export function useFlagDetails<T extends object, K extends FlagKey<object> = FlagKey<object>>(
  key: K,
  defaultValue: FlagValue<K, T>,
): Details<FlagValue<K, T>, FlagVariant<K>>
export function useFlagDetails(key: string, defaultValue: Value): Details {
  return useAnswer(key, defaultValue, (details) => details)
}

function useAnswer<A>(key: string, defaultValue: Value, part: (details: Details) => A): A {
  const { client, rendered, suspend } = useShared()
  const now = (): Details => detailsOf(client, key, defaultValue)
  // Not where there are answers: rendering to a string could not wait, even for what is there.
  if (suspend && now().errorCode === 'PROVIDER_NOT_READY') use(client.ready)
  const latest = useRef<{ readonly text: string; readonly answer: A }>(null)
  // The same object for the same answer: React compares by identity.
  const stable = (details: Details): A => {
    const answer = part(details)
    const text = JSON.stringify(answer)
    if (latest.current?.text !== text) latest.current = { text, answer }
    return latest.current.answer
  }
  // While React takes over what a server has rendered, a flag is what it was then, even if it has changed since.
  const then = (): Details => {
    const value = rendered.get(key)
    return typeOf(value) === typeOf(defaultValue) ? { ...now(), value: value as Value } : now()
  }
  const subscribe = useCallback(
    (changed: () => void) => {
      const stops = [
        client.on('change', (keys) => keys.includes(key) && changed()),
        client.on('ready', changed),
        client.on('error', changed),
      ]
      return () => {
        for (const stop of stops) stop()
      }
    },
    [client, key],
  )
  return useSyncExternalStore(
    subscribe,
    () => stable(now()),
    () => stable(then()),
  )
}

function useShared(): Shared {
  const shared = use(Flags)
  if (shared === null) throw new Error('flags are asked for outside of a <TurnoutProvider client={…}>')
  return shared
}

const detailsOf = (client: Client, key: string, defaultValue: Value): Details =>
  (
    client[`${typeof defaultValue as 'boolean' | 'string' | 'number' | 'object'}Details`] as (
      key: string,
      defaultValue: Value,
    ) => Details
  )(key, defaultValue)

function renderedValues(given: Bootstrap | null | undefined): ReadonlyMap<string, unknown> {
  try {
    const text = globalThis.document?.getElementById(BOOTSTRAP_ID)?.textContent
    const bootstrap: Bootstrap | null = given === undefined ? JSON.parse(text ?? 'null') : given
    return new Map(bootstrap?.flags.map(({ key, value }) => [key, value]))
  } catch {
    // The client has warned of it.
    return new Map()
  }
}

/** `[object Array]` and the like: lists and `null` are no objects. */
const typeOf = (value: unknown): string => ({}).toString.call(value)
