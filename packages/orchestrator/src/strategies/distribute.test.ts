import { customVariable } from '@mabeam/variables';
import { describe, expect, it } from 'vitest';
import { distributeVariable } from './distribute.ts';

const nodes = (...ids: readonly string[]) => ids.map((id) => ({ id, isReachable: !id.startsWith('lost') }));
const plain = customVariable('x', { initial: 1 });

describe('a variable is distributed', () => {
  it('to three of the nodes that can be reached, and survives the loss of one', () => {
    expect(distributeVariable(plain, nodes('n2', 'n1', 'lost', 'n3', 'n4', 'n5'))).toMatchObject({
      kind: 'distributed',
      survives: 1,
      definition: {
        id: 'x',
        distribution: { nodes: ['n1', 'n2', 'n3', 'n4', 'n5'], replicas: 3, consistency: 'strong' },
      },
    });
  });
  it('in an odd number of copies, as many as there are nodes', () => {
    expect(distributeVariable(plain, nodes('n1', 'n2'))).toMatchObject({
      survives: 0,
      definition: { distribution: { replicas: 1 } },
    });
  });
  it('to the nodes it names, with the consistency it names', () => {
    const distribution = { nodes: ['n2'], replicas: 5, consistency: 'eventual' as const };
    const named = customVariable('x', { initial: 1, distribution });
    expect(distributeVariable(named, nodes('n1', 'n2'))).toMatchObject({
      definition: {
        distribution: { nodes: ['n2'], replicas: 1, consistency: 'eventual', conflict: 'last-writer-wins' },
      },
    });
  });
  it.each([
    ['scope-not-distributable', { ...plain, id: 'a.x', scope: 'local' as const }, nodes('n1')],
    ['no-reachable-nodes', plain, nodes('lost')],
    ['no-reachable-nodes', plain, []],
  ])('or is %s', (code, definition, given) => {
    expect(distributeVariable(definition, given)).toMatchObject({ kind: 'failed', error: { code } });
  });
});
