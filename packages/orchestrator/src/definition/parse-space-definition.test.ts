import { MabeamError } from '@mabeam/bus';
import { describe, expect, test } from 'vitest';
import { nearestWord } from './nearest-word.ts';
import { parseSpaceDefinition } from './parse-space-definition.ts';
import { assertSpaceDefinition } from './space-definition.ts';

const path = '/desk/space.yaml';
const parse = (text: string) => parseSpaceDefinition(text, { path });

function problemsOf(text: string): readonly string[] {
  try {
    parse(text);
  } catch (error) {
    if (!(error instanceof MabeamError) || error.code !== 'space-definition-invalid') throw error;
    return error.message.split('\n');
  }
  return [];
}

const good = `
space: desk
name: The mail desk
agents:
  words: { module: ./agents/words.ts, group: specialists, variables: { smoothing: { initial: 1, min: 0, max: 10 } } }
  links: { command: [node, links.js], restart: transient }
  guest: {}
variables:
  active: { kind: agent-selection, agents: [words, links], initial: [words], constraints: { minActive: 1 } }
  threshold: { kind: performance-threshold, initial: 0.5, domain: { min: 0, max: 1 } }
rules:
  more: { on: { trigger: quality-low }, adapt: active, by: { add: [links] }, cooldownMs: 0 }
  smoother: { on: { trigger: quality-low }, adapt: words.smoothing, by: { increase: 1 } }
`;

describe('a good definition', () => {
  test('is complete: defaults are there, modules are URLs of files', () => {
    const definition = parse(good);
    expect(definition).toMatchObject({ space: 'desk', name: 'The mail desk' });
    expect(definition.agents).toMatchObject([
      { v: 1, id: 'words', role: 'executor', replicas: 1, run: { module: 'file:///desk/agents/words.ts' } },
      { id: 'links', run: { command: ['node', 'links.js'] }, restart: 'transient' },
      { id: 'guest', config: {} },
    ]);
    expect(definition.agents[2]?.run).toBeUndefined();
    expect(definition.rules).toMatchObject([
      { v: 1, id: 'more' },
      { id: 'smoother', cooldownMs: 30_000 },
    ]);
    expect(() => assertSpaceDefinition(definition)).not.toThrow();
  });
  test('a word of a command that begins like a path is found from the definition, the others are left alone', () => {
    const text =
      'space: desk\nagents: { a: { command: [python3, ./tools/a.py, ../b.sh, --in, ., .hidden, a/b, ./c.txt] }, b: { command: [./b.sh] } }';
    expect(parse(text).agents).toMatchObject([
      {
        run: {
          command: ['python3', '/desk/tools/a.py', '/b.sh', '--in', '.', '.hidden', 'a/b', '/desk/c.txt'],
        },
      },
      { run: { command: ['/desk/b.sh'] } },
    ]);
  });
  test('says in which form an agent is asked, and only a known one', () => {
    const text = 'space: desk\nagents: { a: { wire: json }, b: { wire: envelope }, c: {} }';
    const { agents } = parse(text);
    expect(agents.map(({ wire }) => wire)).toEqual(['json', 'envelope', undefined]);
    expect(problemsOf('space: d\nagents: { a: { wire: jsn } }')[0]).toContain('did you mean "json"?');
  });
  test('may be JSON', () => {
    expect(parse('{"space": "desk", "agents": {"a": {"module": "@desk/agent"}}}').agents).toMatchObject([
      { id: 'a', run: { module: '@desk/agent' } },
    ]);
  });
  test('may use snake_case, and empty sections', () => {
    const text =
      'space: desk\nagents: { a: {} }\nvariables: { s: { kind: agent_selection, agents: [a], constraints: { max_concurrent: 1 } } }\nrules:\n';
    expect(parse(text).variables).toMatchObject([
      { kind: 'agent-selection', constraints: { maxConcurrent: 1 } },
    ]);
  });
});

describe('a mistake is named with its file, line, column, field and cure', () => {
  test('a mistyped field names the nearest known one', () => {
    expect(problemsOf('space: desk\nagents:\n  words: { module: ./a.ts, replica: 2 }\n')).toEqual([
      '/desk/space.yaml:3:28: agents.words.replica: unknown field "replica"; did you mean "replicas"?',
    ]);
  });
  test('all mistakes of a stage are named at once', () => {
    const problems = problemsOf('space: desk\nagents: { a: { rolle: x, replicas: many } }\nvarables: {}\n');
    expect(problems).toHaveLength(3);
  });
  test('broken YAML points at the place', () => {
    expect(problemsOf('space: desk\nagents: [')[0]).toMatch(/^\/desk\/space\.yaml:2:\d+: /);
  });
  test('a key written twice, and a second document, are refused', () => {
    const twice = problemsOf('space: desk\nspace: desk2\n')[0];
    expect(twice).toBe('/desk/space.yaml:2:1: this field is written twice; keep one of them');
    expect(problemsOf('space: desk\n---\nspace: desk2\n')[0]).toMatch(/^\/desk\/space\.yaml:2:1: a second/);
  });
  test.each([
    ['', 'is empty; give a mapping of fields'],
    ['[]', 'is a list; give a mapping of fields'],
    ['space: 3', 'space: is 3; give a string'],
    ['space: d\npool: { cpu: 0 }', 'pool.cpu: is 0; give more than 0'],
    ['space: d\npool: { memory: -3 }', 'pool.memory: is -3; give at least 1'],
    [
      'space: d\npool: { memory: lots }',
      'pool.memory: is not a number of bytes above 0; write 268435456 or "256MiB"',
    ],
    ['space: d\nagents: { a: { after: b } }', 'agents.a.after: is "b"; give a list'],
    ['space: d\nagents: { a: }', 'agents.a: is empty; give a mapping of fields'],
    ['space: d\nagents: { a: { variables: { x: {} } } }', 'variables.x.initial: is missing; give a value'],
    ['space: d\nagents: { a: { variables: { x: 1 } } }', 'variables.x: is 1; give a mapping of fields'],
    [
      'space: d\nvariables: { v: { kind: agent-selection, constraints: { exclusive: [[b]] } } }',
      'variables.v.constraints.exclusive[0]: has 1 of them; give at least 2',
    ],
    [
      'space: d\nvariables: { v: { kind: agent-selection, constraints: { minActive: 0.5 } } }',
      'variables.v.constraints.minActive: is 0.5; give a whole number',
    ],
    ['space: d\nrules: { r: { canary: 3 } }', 'rules.r.canary: is 3; give at most 1'],
    [
      'space: d\nscaling: { s: { target: { agent: a, role: b } } }',
      'scaling.s.target.role: "role" does not go with what stands beside it; keep one of them',
    ],
  ])('%j is told in plain words', (text, message) => {
    expect(problemsOf(text).join('\n')).toContain(message);
  });
  test.each([
    ['space: Desk', 1, 1, 'space', 'is not an id'],
    ['space: all', 1, 1, 'space', 'is not an id'],
    ['space: d\nagents: { a: { module: x, command: [y] } }', 2, 11, 'agents.a', 'both'],
    ['space: d\nagents: { a: { module: words.ts } }', 2, 16, 'agents.a.module', '"./words.ts"'],
    ['space: d\nagents: { a: { role: executer } }', 2, 16, 'agents.a.role', 'did you mean "executor"'],
    [
      'space: d\nagents: { a: { variables: { n: { initial: 3, max: 2 } } } }',
      2,
      34,
      'agents.a.variables.n.initial',
      '2',
    ],
    [
      'space: d\nagents: { a: {} }\nvariables: { s: { kind: agent-selection, agents: [a, b] } }',
      3,
      54,
      'variables.s.agents[1]',
      'no agent "b"',
    ],
    [
      'space: d\nvariables: { n: { kind: performance-threshold, initial: 2, domain: { max: 1 } } }',
      2,
      48,
      'variables.n.initial',
      '2',
    ],
    [
      'space: d\nvariables: { n: { kind: performance-threshold, domain: { max: 1 } } }',
      2,
      14,
      'variables.n.initial',
      'give one',
    ],
    [
      'space: d\nrules: { r: { on: { trigger: t }, adapt: x, by: { set: 1 } } }',
      2,
      35,
      'rules.r.adapt',
      'no variable "x"',
    ],
    ['space: d\nrules: { r: { on: { trigger: t }, adapt: x, by: { } } }', 2, 45, 'rules.r.by', 'exactly one'],
  ])('%j', (text, line, column, field, message) => {
    const [problem = ''] = problemsOf(text);
    expect(problem).toContain(`/desk/space.yaml:${line}:${column}: ${field}: `);
    expect(problem).toContain(message);
  });
  test('what a rule does must fit what it adapts', () => {
    const head =
      'space: d\nagents: { a: {}, b: {} }\nvariables: { s: { kind: agent-selection, agents: [a] }, n: { kind: performance-threshold, initial: 1, domain: { max: 2 } } }\nrules: { r: { on: { trigger: t }, adapt: ';
    expect(problemsOf(`${head}n, by: { add: [a] } } }`)[0]).toContain(
      'rules.r.by.add: "add" needs an agent-selection',
    );
    expect(problemsOf(`${head}s, by: { increase: 1 } } }`)[0]).toContain('"increase" needs a number');
    expect(problemsOf(`${head}s, by: { add: [b] } } }`)[0]).toContain(
      'rules.r.by.add[0]: "b" is not among the agents of s',
    );
    expect(problemsOf(`${head}n, by: { set: 3 } } }`)[0]).toContain('3 is not at most 2');
    expect(problemsOf(`${head}n, by: { take: outcome.value } } }`)).toEqual([]);
  });
  test('a second topology is refused: a space has one graph', () => {
    const text =
      'space: d\nvariables: { t: { kind: communication-topology }, u: { kind: communication-topology } }';
    expect(problemsOf(text)[0]).toContain('variables.u.kind: t is');
  });
});

describe('the nearest word', () => {
  test.each([
    ['replica', 'replicas'],
    ['cooldown_ms', 'cooldownMs'],
    ['xyz', undefined],
  ])('to %s is %s', (word, nearest) => {
    expect(nearestWord(word, ['replicas', 'cooldownMs', 'restart'])).toBe(nearest);
  });
});
