/**
 * Methods of texts, held here for where they are called often: once any module of the process has a class that extends String,
 * as ioredis 6 and other clients do, V8 looks a text's methods up at each call, which takes twice to six times as long as what
 * they do (Node 20 to 26).
 */
const { charCodeAt, includes, isWellFormed, slice } = String.prototype
const { call } = Function.prototype

/** `text.charCodeAt(at)` */
export const codeAt = call.bind(charCodeAt) as (text: string, at: number) => number
/** `text.includes(part)` */
export const hasPart = call.bind(includes) as (text: string, part: string) => boolean
/** `text.isWellFormed()` */
export const hasNoLoneSurrogate = call.bind(isWellFormed) as (text: string) => boolean
/** `text.slice(from, to)` */
export const partOf = call.bind(slice) as (text: string, from: number, to: number) => string
