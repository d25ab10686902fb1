// Reads vitest's JSON reports.
//   node scripts/test-reports.mjs failed unit.json                  the files with a failed test, a line each
//   node scripts/test-reports.mjs total unit.json attacks.json …    what failed, what was unsteady, and the counts
// Beside `unit.json` may stand `unit.again.json`: the second run of the files that failed. Its results count, and
// what failed at first is named as unsteady, so that it is seen and mended, and does not look like a pass.
import { existsSync, readFileSync } from 'node:fs';

const [command, ...paths] = process.argv.slice(2);
if (command === 'failed') printFailedFiles(paths[0]);
else printTotal(paths);

function printFailedFiles(path) {
  for (const file of read(path) ?? []) if (file.status === 'failed') process.stdout.write(`${file.name}\n`);
}

function printTotal(paths) {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const path of paths) {
    const first = read(path);
    // a suite without a report has not run
    if (first === undefined) {
      process.stdout.write(`no report: ${path}\n`);
      total.failed += 1;
      continue;
    }
    const again = read(path.replace(/\.json$/u, '.again.json')) ?? [];
    for (const file of first) {
      const second = again.find(({ name }) => name === file.name);
      if (second !== undefined) printFailures('unsteady, failed at first', file);
      count(second ?? file, total);
    }
  }
  process.stdout.write(`tests: ${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);
  process.exitCode = total.failed === 0 ? 0 : 1;
}

function count(file, total) {
  printFailures('failed', file);
  for (const { status } of file.assertionResults) {
    if (status === 'passed') total.passed += 1;
    else if (status === 'failed') total.failed += 1;
    else total.skipped += 1;
  }
  // a file that does not load has no tests that could fail
  if (file.status === 'failed' && file.assertionResults.every(({ status }) => status !== 'failed')) total.failed += 1;
}

function printFailures(title, file) {
  if (file.status !== 'failed') return;
  const failed = file.assertionResults.filter(({ status }) => status === 'failed');
  const texts = failed.length === 0 ? [file.message] : failed.map((one) => `${one.fullName}\n${one.failureMessages.join('\n')}`);
  for (const text of texts) {
    const lines = text.split('\n').filter((line) => !line.includes('/node_modules/'));
    process.stdout.write(`\n${title}: ${file.name}\n${lines.slice(0, 30).join('\n')}\n`);
  }
}

function read(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).testResults : undefined;
}
