/**
 * What a list is before it has its first item; nothing is ever put into it. A list that begins with that item, `[item]`, makes
 * room for one, where `push` into an empty one makes room for 17: most lists of a call that is made alone have one.
 */
export const NONE: never[] = []
