import { freePort, redisText, startRedis, until, type TestServer } from '../../test/support/servers.ts'

const SLOTS = 16_384

/** Starts a Redis Cluster of masters on loopback, each with an even part of the slots; needs Redis 7. */
export async function startCluster(masters: number): Promise<TestServer[]> {
  const servers: TestServer[] = []
  try {
    for (let i = 0; i < masters; i++) servers.push(await startMaster())
    const [first] = servers as [TestServer]
    for (const [i, server] of servers.entries()) {
      const from = Math.ceil((i * SLOTS) / masters)
      const to = Math.ceil(((i + 1) * SLOTS) / masters) - 1
      await expectOk(server, `CLUSTER ADDSLOTSRANGE ${from} ${to}`)
      await expectOk(server, `CONFIG SET cluster-require-full-coverage no`)
      if (server !== first) await expectOk(server, `CLUSTER MEET ${first.host} ${first.port} ${await busOf(first)}`)
    }
    for (const server of servers) {
      await until(async () => isComplete(await redisText(server.port, 'CLUSTER INFO')), 'the cluster to be complete')
    }
    return servers
  } catch (error) {
    await Promise.all(servers.map((server) => server.stop()))
    throw error
  }

  function isComplete(info: string): boolean {
    return info.includes('cluster_state:ok') && info.includes(`cluster_size:${masters}`)
  }
}

async function startMaster(): Promise<TestServer> {
  // By itself, Redis takes a port 10,000 higher for the others, which a free port may not have.
  const args = ['--cluster-enabled', 'yes', '--cluster-port', `${await freePort()}`]
  return startRedis({ args })
}

async function busOf({ port }: TestServer): Promise<string> {
  return /\r\n(\d+)\r\n/.exec(await redisText(port, 'CONFIG GET cluster-port'))?.[1] ?? ''
}

async function expectOk({ port }: TestServer, command: string): Promise<void> {
  const reply = await redisText(port, command)
  if (!reply.startsWith('+OK')) throw new Error(`${command}: ${reply}`)
}
