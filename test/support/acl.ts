/** What the cache needs on a Redis server, besides the right to its keys: the smallest set that works, by trial. */
export const ACL_COMMANDS = ['+get', '+mget', '+set', '+del', '+info'] as const

/** The user the README tells people to make; with a database other than 0, it needs `+select` as well. */
export const ACL_USER: string = `user cache on >secret ~app:* ${ACL_COMMANDS.join(' ')}`
