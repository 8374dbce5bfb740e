/** The id of a node when nobody chose one. */
import { isId } from '@mabeam/bus';

/** A valid node id from the name of a machine: `Build-7.example.org` becomes `build-7-example-org`. */
export function nodeIdFrom(hostname: string): string {
  const text = hostname
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/g, '-')
    .slice(0, 58)
    .replaceAll(/^[-_]+|[-_]+$/g, '');
  if (isId(text)) return text;
  return text === '' ? 'node' : `node-${text}`;
}
