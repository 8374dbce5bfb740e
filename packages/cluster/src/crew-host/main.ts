/**
 * A crew host: a process of a node in which agents of one space live beside each other, in this thread or in threads of their
 * own. It does what its node says on the control pipe, and ends with it (docs/protocol.md, "Crew hosts").
 */
import { endProcess } from '@mabeam/agents';
import { connectBus, parseId } from '@mabeam/bus';
import { exitWithParent } from '../exit-with-parent.ts';
import { CrewDesk } from './desk.ts';
import { parseOrder } from './messages.ts';

/** How long the agents may take to end when the node is gone: their leases have not run out by then. */
const orphanedMs = 300;
/** When the node says that all is over, it has ended its agents before. */
const toldMs = 1_000;

const space = parseId('space', process.env['MABEAM_SPACE'] ?? '');
const alive = setInterval(() => undefined, 60_000);

const desk = new CrewDesk({
  space,
  connect: () => connectBus({ name: `${space}/crew ${process.pid}` }),
  tell: (report) => parent.tell(report),
});
const parent = exitWithParent(() => void end(orphanedMs), {
  onMessage: (message) => {
    const order = parseOrder(message);
    if (order !== undefined) desk.obey(order);
  },
});
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void end(toldMs));

async function end(graceMs: number): Promise<void> {
  clearInterval(alive);
  await desk.close(graceMs);
  await endProcess(graceMs);
}
