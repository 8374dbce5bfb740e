// The gate after a full `npm test`: exits 1 and names every test file on disk that the run left out.
import { readFileSync } from 'node:fs';
import { describeViolation } from './check.ts';
import { surveyHouse } from './house.ts';
import { ranReportPath, type RanReport } from './ran-reporter.ts';
import { testsNotRun } from './rules/test-files.ts';
import { readTree } from './tree.ts';

// Our own reporter wrote the file.
const report = JSON.parse(readFileSync(ranReportPath, 'utf8')) as RanReport;
const silent = testsNotRun(surveyHouse(readTree(process.cwd())), report.files);
for (const violation of silent) console.error(describeViolation(violation));
if (silent.length > 0) process.exitCode = 1;
