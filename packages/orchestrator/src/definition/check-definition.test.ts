/** What the parts of a definition say of each other, each mistake at its place. */
import { MabeamError } from '@mabeam/bus';
import { describe, expect, test } from 'vitest';
import { parseSpaceDefinition } from './parse-space-definition.ts';

/** `line:column: field: message` of each mistake. */
function problemsOf(text: string): readonly string[] {
  try {
    parseSpaceDefinition(text, { path: '/d.yaml' });
  } catch (error) {
    if (error instanceof MabeamError)
      return error.message.split('\n').map((line) => line.replace('/d.yaml:', ''));
    throw error;
  }
  return [];
}

const agents = `space: d
agents: { a: {}, b: {}, c: { role: coordinator } }
`;

describe('agents', () => {
  test('that wait for each other could never start', () => {
    const text = 'space: d\nagents:\n  a: { after: [c] }\n  b: { after: [a] }\n  c: { after: [b] }\n';
    const [problem, ...others] = problemsOf(text);
    expect(others).toEqual([]);
    expect(problem).toMatch(/^4:\d+: agents\.b\.after\[0\]: a waits for c waits for b waits for a: none/);
  });
  test('that supervise each other have nobody above them', () => {
    const text = 'space: d\nagents:\n  a: { supervisor: b }\n  b: { supervisor: a }\n';
    expect(problemsOf(text)).toEqual([
      expect.stringMatching(/^4:\d+: agents\.b\.supervisor: a is supervised by b/),
    ]);
  });
  test('have one supervisor, by their field and by edges together', () => {
    const text = `${agents.replace('a: {}', 'a: { supervisor: b }')}edges: [{ from: c, to: a, kind: supervision }]`;
    expect(problemsOf(text)).toEqual([
      expect.stringMatching(/^3:\d+: edges\[0\]: a is supervised by b already/),
    ]);
  });
  test('neither wait for themselves nor supervise themselves', () => {
    expect(problemsOf('space: d\nagents: { a: { after: [a], supervisor: a } }')).toHaveLength(2);
  });
  test('begin within their bounds', () => {
    const text = 'space: d\nagents: { a: { replicas: { min: 2, max: 3, initial: 5 } } }';
    expect(problemsOf(text)[0]).toMatch(/^2:\d+: agents\.a\.replicas: 5 is not between 2 and 3/);
  });
  test('of a role that is not custom have no permissions of their own', () => {
    expect(problemsOf('space: d\nagents: { a: { role: monitor, permissions: [ask] } }')[0]).toContain(
      'agents.a.permissions',
    );
  });
  test('run in a form only as modules', () => {
    expect(problemsOf('space: d\nagents: { a: { command: [x], form: worker } }')[0]).toContain(
      'agents.a.form',
    );
  });
});

describe('edges', () => {
  test.each(['command', 'data'])('of the kind %s run in no circle', (kind) => {
    const text = `${agents}edges:\n  - { from: a, to: b, kind: ${kind} }\n  - { from: b, to: a, kind: ${kind} }\n`;
    expect(problemsOf(text)).toEqual([
      expect.stringMatching(/^5:\d+: edges\[1\]: \w+ edges run in a circle: a → b → a/),
    ]);
  });
  test('of the kind feedback may, and lead back to their sender', () => {
    const text = `${agents}edges:\n  - { from: a, to: b, kind: feedback }\n  - { from: b, to: a, kind: feedback }\n  - { from: a, to: a, kind: feedback }\n`;
    expect(problemsOf(text)).toEqual([]);
  });
  test('lead from somebody to somebody, once', () => {
    const text = `${agents}edges:\n  - { from: a, to: x, kind: data }\n  - { from: a, to: b, kind: data }\n  - { from: a, to: b, kind: data }\n`;
    expect(problemsOf(text)).toEqual([
      expect.stringContaining('edges[0].to: there is no agent "x"'),
      expect.stringContaining('edges[2]: is declared twice'),
    ]);
  });
});

describe('the pool', () => {
  test('that could never hold an agent makes it impossible, under a code of its own', () => {
    const text =
      'space: d\npool: { memory: 1GiB }\nagents: { a: { resources: { memory: 600MiB }, replicas: { min: 2, max: 3 } } }';
    expect(() => parseSpaceDefinition(text, { path: '/d.yaml' })).toThrow(
      expect.objectContaining({ code: 'resource-impossible' }),
    );
    expect(problemsOf(text)[0]).toMatch(
      /^3:\d+: agents\.a\.resources\.memory: needs 1258291200 \(2 instances/,
    );
  });
  test('that could hold it is none of its business otherwise', () => {
    expect(problemsOf('space: d\npool: { cpu: 1 }\nagents: { a: { resources: { cpuWeight: 1 } } }')).toEqual(
      [],
    );
  });
});

describe('variables', () => {
  test('ask for roles that some of their agents have', () => {
    const text = `${agents}variables: { s: { kind: agent-selection, agents: [a, b], constraints: { roleCoverage: [coordinator] } } }`;
    expect(problemsOf(text)[0]).toMatch(
      /^3:\d+: variables\.s\.constraints\.roleCoverage: none of its agents/,
    );
  });
  test('begin with the roles they ask for', () => {
    const text = `${agents}variables: { s: { kind: agent-selection, agents: [a, c], initial: [a], constraints: { role_coverage: [coordinator] } } }`;
    expect(problemsOf(text)[0]).toContain('variables.s.initial: nobody in it has the role coordinator');
  });
  test('require nobody whom they exclude', () => {
    const text = `${agents}variables: { s: { kind: agent-selection, agents: [a, b], initial: [b], constraints: { requires: { a: [b] }, exclusive: [[a, b]] } } }`;
    expect(problemsOf(text)[0]).toMatch(
      /^3:\d+: variables\.s\.constraints\.requires\.a: a can never be selected/,
    );
  });
  test('are compatible with, and compared with, variables that there are', () => {
    const text = `${agents}variables: { n: { kind: custom, initial: 1, constraints: { compatible: { m: fits } }, adaptation: { strategy: reactive, metric: q, direction: below, target: goal } } }`;
    expect(problemsOf(text)).toEqual([
      expect.stringContaining('variables.n.constraints.compatible.m: there is no variable "m"'),
      expect.stringContaining('variables.n.adaptation.target: there is no variable "goal"'),
    ]);
  });
});

describe('scaling policies', () => {
  const scaled = 'space: d\nagents: { a: { replicas: { min: 1, max: 3 } }, b: {} }\nscaling:\n';
  test.each([
    ['s: { target: { agent: b } }', 'scaling.s.target.agent: b may not be scaled'],
    ['s: { target: { agent: x } }', 'scaling.s.target.agent: there is no agent "x"'],
    ['s: { target: { role: monitor } }', 'scaling.s.target.role: no agent of the role monitor'],
    ['s: { target: { agent: a }, metric: cpu }', 'scaling.s.metric: has no limit'],
    ['s: { target: { agent: a }, upAbove: 1 }', 'scaling.s.upAbove: is a limit of which metric'],
    [
      's: { target: { agent: a }, metric: cpu, upAbove: 1, downBelow: 2 }',
      'scaling.s.downBelow: must be below',
    ],
    ['s: { target: { agent: a }, min: 3, max: 2 }', 'scaling.s.min: min 3 is above max 2'],
  ])('%s', (policy, message) => {
    expect(problemsOf(`${scaled}  ${policy}\n`)).toEqual([expect.stringContaining(message)]);
  });
  test('that scale the same agent are rivals', () => {
    const text = `${scaled}  s: { target: { agent: a } }\n  t: { target: { role: executor } }\n`;
    expect(problemsOf(text)).toEqual([
      expect.stringMatching(/^5:\d+: scaling\.t\.target: a is scaled by s already/),
    ]);
  });
});

describe('rules', () => {
  const head = `${agents}variables: { n: { kind: custom, initial: 1 }, s: { kind: agent-selection, agents: [a] } }\nrules:\n`;
  test.each([
    [
      'r: { on: { trigger: t }, adapt: n, by: { set: 2 }, canary: 0.5 }',
      'rules.r.canary: a canary that no guard',
    ],
    [
      'r: { on: { trigger: t }, adapt: s, by: { set: [] }, canary: 0.5, guard: { metric: q } }',
      'rules.r.canary: the kind agent-selection has one value for all (canary-unsupported)',
    ],
    ['r: { on: { trigger: t, event: a.b }, adapt: n, by: { set: 2 } }', 'rules.r.on.'],
    [
      'r: { on: { trigger: t }, adapt: n, by: { set: 2 }, where: { x: { abowe: 1 } } }',
      'did you mean "above"?',
    ],
    [
      'r: { on: { trigger: t }, adapt: n, by: { set: 2 }, at_most: { changes: 1 } }',
      'rules.r.atMost.perMs: is missing',
    ],
  ])('%s', (rule, message) => {
    expect(problemsOf(`${head}  ${rule}\n`)[0]).toContain(message);
  });
});

describe('all mistakes at once', () => {
  test('of the form, of the parts and between the parts, in the order of the text', () => {
    const text = `space: d
agents:
  a: { rolle: x }
  b: { replicas: { min: 3, max: 1 } }
  c: { after: [nobody] }
variables:
  n: { kind: custom, initial: 5, domain: { max: 3 } }
  s: { kind: agent-selection, agents: [a, b, c, z] }
rules:
  r: { on: { trigger: t }, adapt: n, by: { set: 1 } }
  q: { on: { trigger: t }, adapt: m, by: { set: 1 } }
`;
    expect(problemsOf(text).map((line) => line.replace(/^(\d+):\d+: ([\w.[\]]+): .*$/, '$1 $2'))).toEqual([
      '3 agents.a.rolle',
      '4 agents.b.replicas.min',
      '5 agents.c.after[0]',
      '7 variables.n.initial',
      '8 variables.s.agents[3]',
      '11 rules.q.adapt',
    ]);
  });
  test('an agent under a name that is no id is a mistake of its own', () => {
    expect(problemsOf('space: d\nagents: { Words: {} }')[0]).toMatch(
      /^2:\d+: agents\.Words: must be a lower-case/,
    );
  });
});
