/** A space that several people make at once: one comes first, and each is told what his own writing has changed. */
import { connectBus } from '@mabeam/bus';
import { freshSpace } from '@mabeam/testing';
import { expect, inject, test } from 'vitest';
import { createSpace } from '../src/definition/create-space.ts';
import { parseSpaceDefinition } from '../src/definition/parse-space-definition.ts';

test('of two who make a space at once one creates it, the other changes only what differs, and both say so', async () => {
  await using bus = await connectBus({ url: inject('natsUrl'), name: 'test' });
  await using other = await connectBus({ url: inject('natsUrl'), name: 'test' });
  const space = freshSpace();
  const definitionWith = (max: number) => {
    const agents = `{ echo: { replicas: { min: 1, max: ${max} } }, spare: {} }`;
    return parseSpaceDefinition(`space: ${space}\nagents: ${agents}\n`, { path: 'space.yaml' });
  };
  const made = await Promise.all([
    createSpace(bus, definitionWith(3), { by: 'ada' }),
    createSpace(other, definitionWith(4), { by: 'bob' }),
  ]);
  const told = made.flatMap((each) =>
    each.kind === 'noop'
      ? []
      : [{ ...each, parts: each.differences.map(({ kind, part }) => `${kind} ${part}`) }],
  );
  expect(told.toSorted((a, b) => a.revision - b.revision)).toMatchObject([
    { kind: 'created', parts: ['added agents.echo', 'added agents.spare'] },
    { kind: 'updated', parts: ['changed agents.echo'] },
  ]);
});
