/** The npm package ships no types; `v3` takes text or bytes and answers 0 for anything else. */
declare module 'murmurhash' {
  const murmurhash: { v3(key: string | Uint8Array, seed?: number): number }
  export default murmurhash
}
