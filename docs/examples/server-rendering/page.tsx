/** The page, the same on the server and in the browser. */
import { useFlag } from '@turnout/sdk/react'
import { useState } from 'react'

export function Page() {
  const isNew = useFlag('CONDUIT_USE_REPOSITORY_PATTERN', false)
  const [count, setCount] = useState(0)
  return (
    <main>
      <h1>{isNew ? 'New data access' : 'Old data access'}</h1>
      <button type="button" onClick={() => setCount(count + 1)}>
        Clicked {count} times
      </button>
    </main>
  )
}
