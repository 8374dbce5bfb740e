// All rules over one house, in the order they are explained in docs/architecture.md.
import type { House } from './house.ts';
import {
  deepImports,
  importCircles,
  misplacedImports,
  undeclaredImports,
  upwardImports,
} from './rules/directions.ts';
import { errorCodes } from './rules/error-codes.ts';
import { droppedPlatforms, machineTraces } from './rules/leaks.ts';
import { levelTable, testLine } from './rules/papers.ts';
import { tooLong } from './rules/sizes.ts';
import { emptyFileNames, silencingComments, untypedValues } from './rules/words.ts';
import type { Violation } from './tree.ts';

export type Rule = (house: House) => readonly Violation[];

/** Each rule by the sentence it holds the house to. */
export const rules: Readonly<Record<string, Rule>> = {
  'an import points to a smaller level': upwardImports,
  'an imported package is declared': undeclaredImports,
  'a workspace is entered through its exports': deepImports,
  'NATS and the OpenTelemetry SDK stay at home': misplacedImports,
  'imports run in no circle': importCircles,
  'files and functions are short': tooLong,
  'nothing has the type any': untypedValues,
  'no comment silences a tool': silencingComments,
  'a file name says something': emptyFileNames,
  'every error code has its paragraph': errorCodes,
  'docs/architecture.md shows the level table': levelTable,
  'the README and .ci/run test alike': testLine,
  'the lock file lacks no platform': droppedPlatforms,
  'no machine path and no registry host is in the repository': machineTraces,
};

/** One line a violation, as editors and terminals link it. */
export function describeViolation({ rule, file, line, message }: Violation): string {
  return `${file}${line === undefined ? '' : `:${line}`}  [${rule}] ${message}`;
}
