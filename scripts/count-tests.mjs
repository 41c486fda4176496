// Prints "N passed, N failed" over the JSON reports of vitest named on the command line, after a line for each test that was skipped or
// failed (with the start of its message), and fails if a report is missing, holds a failure, or ran no test.
import { readFileSync } from 'node:fs';

let passed = 0;
let failed = 0;
const failures = [];
const start = (message) => (message ?? '').replace(/\s+/g, ' ').slice(0, 400);
for (const path of process.argv.slice(2)) {
  try {
    const report = JSON.parse(readFileSync(path, 'utf8'));
    passed += report.numPassedTests;
    failed += report.numFailedTests;
    for (const { name, status: ended, message, assertionResults } of report.testResults) {
      // A file that cannot even be loaded is a failed suite without tests.
      if (ended === 'failed' && assertionResults.length === 0) {
        failed += 1;
        failures.push(`${name}: ${start(message)}`);
      }
      for (const { fullName, status, failureMessages } of assertionResults) {
        if (status === 'skipped' || status === 'pending') console.log(`skipped: ${fullName}`);
        if (status === 'failed') failures.push(`${fullName}: ${start(failureMessages?.join(' '))}`);
      }
    }
    if (report.numTotalTests === 0) failed += 1;
  } catch (error) {
    console.error(`${path}: ${error.message}`);
    failed += 1;
  }
}
for (const line of failures) console.log(`failed: ${line}`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
