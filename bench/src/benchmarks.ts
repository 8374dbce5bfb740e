/** All benchmarks, in the order of docs/benchmarks.md. */
import type { Benchmark } from './benchmark.ts';
import { apply300 } from './rows/apply.ts';
import { changeSet } from './rows/change-set.ts';
import { converge200 } from './rows/converge.ts';
import { discovery } from './rows/discovery.ts';
import { heap } from './rows/heap.ts';
import { reconciling } from './rows/reconcile.ts';
import { moleculer, requests } from './rows/requests.ts';
import { revision1000, revision10000 } from './rows/revision.ts';
import { rounds10, rounds100 } from './rows/rounds.ts';
import { start } from './rows/start.ts';
import { tasks } from './rows/tasks.ts';
import { telemetry } from './rows/telemetry.ts';

export const benchmarks: readonly Benchmark[] = [
  requests,
  moleculer,
  telemetry,
  revision1000,
  revision10000,
  changeSet,
  heap,
  start,
  tasks,
  discovery,
  converge200,
  apply300,
  reconciling,
  rounds10,
  rounds100,
];
