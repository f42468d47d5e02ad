/** The emulator for tests inside workerd: one for the run, an account for each test. `openAccount(inject('aws'))`. */
import type { TestProject } from 'vitest/node'
import { startControl } from './control.ts'
import { Emulator } from './emulator.ts'
import type {} from './remote.ts'

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const emulator = new Emulator()
  await emulator.listen()
  const control = await startControl(emulator)
  project.provide('aws', control.url)
  return async () => {
    await control.close()
    await emulator.refuse()
  }
}
