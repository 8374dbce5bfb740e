/**
 * `command.variable.<id>.set`: how clients without our library write a variable: validated, fenced, and answered with the
 * revision. Body `{value, by?, cause?, ifRevision?}`; a local variable's id is two tokens, `<agent>.<name>`.
 */
import { isPermitted } from '@mabeam/agents';
import type { ServedRequest, Service } from '@mabeam/bus';
import { planChanges, type ChangePlan } from '@mabeam/variables';
import { z } from 'zod';
import { orchestratorError } from '../errors.ts';
import type { Term } from './term.ts';

const maxAttempts = 3;

const command = z.strictObject({
  value: z.unknown(),
  by: z.string().min(1).max(128).optional(),
  cause: z.string().max(1_024).optional(),
  ifRevision: z.int().min(0).optional(),
});

/** The answer: `noop` when the value was so already; `revision` is then the one it has. */
export interface VariableSet {
  readonly kind: 'applied' | 'noop';
  readonly revision: number;
}

/** Serves the command, for global and for local variables, until the services are closed. */
export function serveVariableCommands(term: Term): readonly Service[] {
  return ['*', '*.*'].map((id) =>
    term.bus.serve(term.subjects.at(`command.variable.${id}.set`), (request) => setVariable(term, request)),
  );
}

async function setVariable(term: Term, request: ServedRequest): Promise<VariableSet> {
  const { leadership, mirror } = term;
  const id = request.subject.split('.').slice(4, -1).join('.');
  assertMayPropose(term, id, request.from);
  for (let attempt = 1; attempt <= maxAttempts; attempt++) {
    const plan = planSet(term, id, request);
    if (plan.changes.every(({ isDifferent }) => !isDifferent)) {
      return { kind: 'noop', revision: mirror.state.view.variables.get(id)?.revision ?? 0 };
    }
    const outcome = await leadership.commit(plan.writes);
    if (outcome.kind === 'committed') {
      await mirror.reach(outcome.revision);
      return { kind: 'applied', revision: mirror.state.view.variables.get(id)?.revision ?? outcome.revision };
    }
    if (outcome.kind === 'deposed') {
      throw orchestratorError('leader-deposed', `${id}: another orchestrator leads; ask again`);
    }
    await mirror.refresh();
  }
  const message = `${id}: others wrote first ${maxAttempts} times in a row; ask again`;
  throw orchestratorError('adaptation-contended', message, { details: { variable: id } });
}

/** An agent of the space needs the right to propose changes, except of what is its own (rights.ts in @mabeam/agents). */
export function assertMayPropose({ mirror }: Term, id: string, from: string | undefined): void {
  const agent = [...mirror.state.agents.values()].find(({ spec }) => spec.id === from);
  if (agent === undefined || id.startsWith(`${agent.spec.id}.`) || isPermitted(agent.spec, 'propose')) return;
  const message = `${from} is of the role ${agent.spec.role} and may not change ${id}; an optimizer may, or a custom role with the permission propose`;
  throw orchestratorError('change-not-permitted', message, { details: { agent: from, variable: id } });
}

function planSet(term: Term, id: string, request: ServedRequest): ChangePlan {
  const body = command.safeParse(request.body);
  if (!body.success) {
    const why = body.error.issues
      .map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`)
      .join('; ');
    const message = `command.variable.${id}.set takes {value, by?, cause?, ifRevision?}: ${why}`;
    throw orchestratorError('invalid-set', message, { details: { variable: id } });
  }
  const { value, ifRevision, by = request.from ?? 'unnamed', cause = 'command' } = body.data;
  return planChanges(term.mirror.state.view, [{ id, value, ifRevision }], { by, cause, at: new Date() });
}
