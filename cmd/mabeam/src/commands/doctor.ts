/** `mabeam doctor`: is everything there that MABEAM needs, and if not, what to do. */
import type { Command } from 'commander';
import { connectBus, MabeamError } from '@mabeam/bus';
import { broken, type Check } from '../doctor/check.ts';
import { checkBinary, checkNode, checkReceiver } from '../doctor/machine.ts';
import { checkServer, checkSpaces } from '../doctor/server.ts';
import { withSpace, type SpaceFlags } from '../flags.ts';
import { teachCommand } from '../help.ts';
import { openOutput } from '../output.ts';
import { renderChecks } from '../render/doctor.ts';
import { wantedSpace } from '../session.ts';

const connectTimeoutMs = 2_000;

/** The command `doctor`. */
export function doctorCommand(): Command {
  const command = teachCommand({
    name: 'doctor',
    description:
      'Check this machine and the server: Node, nats-server, JetStream, streams, spaces, leader, nodes, agents without a host or with two lives, clocks, the OTLP receiver. Each finding comes with its cure.',
    examples: ['mabeam doctor', 'mabeam doctor -o json | jq \'.checks[] | select(.status != "ok")\''],
    exits: { 0: 'nothing is broken', 1: 'something is broken' },
  });
  return withSpace(command).action(async (flags: SpaceFlags) => {
    const output = openOutput(flags.output);
    const [binary, server, receiver] = await Promise.all([
      checkBinary(),
      examineServer(flags),
      checkReceiver(),
    ]);
    const checks = [checkNode(), binary, ...server, ...receiver];
    const isWell = checks.every(({ status }) => status !== 'fail');
    output.result({ ok: isWell, checks }, () => renderChecks(checks, output.paint));
    if (!isWell) process.exitCode = 1;
  });
}

/** What can be seen on the server; a failure on the way is a finding, not the end. */
async function examineServer(flags: SpaceFlags): Promise<readonly Check[]> {
  const checks: Check[] = [];
  try {
    await using bus = await connectBus({
      name: 'mabeam doctor',
      connectTimeoutMs,
      ...(flags.server === undefined ? {} : { url: flags.server }),
    });
    checks.push(checkServer(bus));
    checks.push(...(await checkSpaces(bus, wantedSpace(flags))));
  } catch (error) {
    if (!(error instanceof MabeamError)) throw error;
    checks.push(
      broken(
        'server',
        `${error.message} (${error.code})`,
        'mabeam dev starts one; NATS_URL or --server names one',
      ),
    );
  }
  return checks;
}
