/**
 * What Turnout is compared with and loaded by: packages of bench/package.json, kept out of the project's own install and
 * installed here when a benchmark first needs them.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { installOnDemand } from '../local/on-demand.ts'

const FOLDER = import.meta.dirname

/** Installs what bench/package-lock.json names (25 MB), unless it is there. Throws with npm's own words. */
export const installPeers = (): void => installOnDemand(FOLDER)

/** A package by name, without types: the project's type check runs without these packages. */
export const peer = <T>(name: string): T => createRequire(import.meta.url)(name)

/** The version that is installed. */
export const peerVersion = (name: string): string =>
  (
    JSON.parse(readFileSync(join(FOLDER, 'node_modules', name, 'package.json'), 'utf8')) as {
      version: string
    }
  ).version
