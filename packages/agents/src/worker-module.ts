/** What a worker thread runs: the agent of the module that its parent names, whether the module runs it itself or exports it. */
import { workerData } from 'node:worker_threads';
import { recruitAgent } from './recruit.ts';
import { runAgent } from './run-agent.ts';

const makeAgent = await recruitAgent(String(workerData));
await runAgent(makeAgent());
