// @vitest-environment happy-dom
/** Components under test: what a test client says is on the screen at once. */
import { act, cleanup, render, screen } from '@testing-library/react'
import { afterEach, expect, it } from 'vitest'
import { TurnoutProvider, useFlag } from '../../../sdk/react.tsx'
import { createTestClient } from '../../../sdk/testing.ts'

afterEach(cleanup)

const Title = () => <h1>{useFlag('title', 'untitled')}</h1>

it('a component renders what the test says, and anew when it says something else', () => {
  const flags = createTestClient({ flags: { title: 'Shop' } })
  render(
    <TurnoutProvider client={flags}>
      <Title />
    </TurnoutProvider>,
  )
  expect(screen.getByRole('heading').textContent).toBe('Shop')
  act(() => flags.set('title', 'Store'))
  expect(screen.getByRole('heading').textContent).toBe('Store')
  act(() => flags.unset('title'))
  expect(screen.getByRole('heading').textContent).toBe('untitled')
  expect(flags.checks[0]).toMatchObject({ key: 'title', value: 'Shop', defaultValue: 'untitled' })
})
