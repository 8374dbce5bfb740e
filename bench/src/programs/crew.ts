/**
 * Many agents in one process: `crew <url> <space> <variable> <count> <first>`.
 *
 *   has      resolves with the instant from which on the next call of every agent sees the next revision
 *   looked   the same, when the variable has then been looked at once for every agent
 *   ask      what one of them answers that it sees
 *
 * The agents share the process's copy of the variables, and a call takes from it what it sees: the copy's change is the instant at
 * which all of them have the revision. That they do is not assumed: they are asked.
 */
import { connectBus, subjects } from '@mabeam/bus';
import { defineAgent, startAgents } from '@mabeam/agents';
import { openVariables } from '@mabeam/variables';
import { serveCalls } from '../peer-end.ts';
import { steadyMicros } from '../roll.ts';

const [url = '', space = '', variable = '', count = '0', first = '0'] = process.argv.slice(2);
const ids = Array.from({ length: Number(count) }, (_, n) => `agent-${Number(first) + n}`);
const bus = await connectBus({ name: 'crew', url });
const store = await openVariables(bus, space);
const definition = defineAgent({ ask: (_, { variables }) => variables[variable] });
await startAgents(
  bus,
  space,
  ids.map((id) => ({ id, definition })),
  { store },
);

/** At the next revision; `then` is called before the instant is taken. */
function nextRevision(then: () => void = () => undefined): Promise<number> {
  return new Promise((resolve) => {
    const listening = store.replica.onChange(() => {
      listening[Symbol.dispose]();
      then();
      resolve(steadyMicros());
    });
  });
}

/** What each agent's look would find; all of them must find the same. */
function lookForEach(): void {
  const found = new Set(ids.map(() => store.get(variable).value));
  if (found.size > 1) throw new Error('agents of one process see different values');
}

// rows/revision.ts calls these, `ask` with an id.
serveCalls({
  has: () => nextRevision(),
  looked: () => nextRevision(lookForEach),
  ask: (id) => bus.request(subjects(space).askAgent(id as string), null),
});
