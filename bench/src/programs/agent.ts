/** The agent of the start benchmark: what `mabeam` hosts, with one question it answers. */
import { defineAgent, runAgent } from '@mabeam/agents';

await runAgent(defineAgent({ ask: (input) => input }));
