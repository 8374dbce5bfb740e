/**
 * Many agents in one process: `crew <url> <space> <variable> <count> <first>`. `seen` resolves with the instant at which the last of them
 * had a value of the variable, `ask` with what one of them answers that it sees.
 *
 * Agents of a process share its copy of the variables; that copy's change is looked at once for every agent, as each one's
 * next call would.
 */
import { connectBus, subjects } from '@mabeam/bus';
import { defineAgent, startAgents } from '@mabeam/agents';
import { openVariables } from '@mabeam/variables';
import { serveCalls } from '../peer-end.ts';
import { Roll, steadyMicros } from '../roll.ts';

const [url = '', space = '', variable = '', count = '0', first = '0'] = process.argv.slice(2);
const ids = Array.from({ length: Number(count) }, (_, n) => `agent-${Number(first) + n}`);
const roll = new Roll(ids.length, steadyMicros);
const bus = await connectBus({ name: 'crew', url });
const store = await openVariables(bus, space);
const definition = defineAgent({ ask: (_, { variables }) => variables[variable] });
await startAgents(
  bus,
  space,
  ids.map((id) => ({ id, definition })),
  { store },
);
store.onChange(() => {
  for (let n = 0; n < ids.length; n++) roll.note(Number(store.get(variable).value));
});

// rows/revision.ts calls these with a number and an id.
serveCalls({
  seen: (value) => roll.complete(value as number),
  ask: (id) => bus.request(subjects(space).askAgent(id as string), null),
});
