/** `npm run prove -- <name> [flags]`: runs one proof of this folder; without a name, says which there are. */
import { readdirSync } from 'node:fs'
import { command, FlagError } from '../chaos/flags.ts'

/** What the file of a proof exports. */
export interface Proof {
  readonly name: string
  /** What it proves, and its flags, in a line. */
  readonly about: string
  /** Resolves to the exit code. */
  run(flags: readonly string[]): Promise<number>
}

/** A file whose name goes on after that of a proof (`cycles-lane.ts`) is a part of it. */
function proofFiles(): string[] {
  const names = readdirSync(new URL('.', import.meta.url)).flatMap((file) => /^(.*)\.ts$/.exec(file)?.[1] ?? [])
  const own = ['main', 'progress']
  return names.filter((name) => !own.includes(name) && !names.some((other) => name.startsWith(`${other}-`))).toSorted()
}

async function load(name: string): Promise<Partial<Proof>> {
  return (await import(`./${name}.ts`)) as Partial<Proof>
}

async function help(): Promise<string> {
  const proofs = (await Promise.all(proofFiles().map(load))).filter(isProof)
  const width = Math.max(...proofs.map(({ name }) => name.length))
  const lines = proofs.map(({ name, about }) => `  ${name.padEnd(width)}  ${about}`)
  return `npm run prove -- <name> [flags]\n\n${lines.join('\n')}\n`
}

function isProof(module: Partial<Proof>): module is Proof {
  return typeof module.run === 'function'
}

await command(help, async () => {
  const [name, ...flags] = process.argv.slice(2)
  if (name === undefined || name === '--help') {
    process.stdout.write(await help())
    return 0
  }
  const proof = proofFiles().includes(name) ? await load(name) : {}
  if (!isProof(proof)) throw new FlagError(`there is no proof ${JSON.stringify(name)}`)
  return proof.run(flags)
})
