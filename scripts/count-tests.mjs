// Prints "N passed, N failed" over the JSON reports of vitest named on the command line, after a line for each test that was skipped, and
// fails where a report is missing, holds a failure, or ran no test.
import { readFileSync } from 'node:fs';

let passed = 0;
let failed = 0;
for (const path of process.argv.slice(2)) {
  try {
    const report = JSON.parse(readFileSync(path, 'utf8'));
    passed += report.numPassedTests;
    // A file that cannot even be loaded is a failed suite without tests.
    const broken = report.testResults.filter((suite) => suite.status === 'failed' && suite.assertionResults.length === 0).length;
    failed += report.numFailedTests + broken;
    for (const { assertionResults } of report.testResults) {
      for (const { fullName, status } of assertionResults)
        if (status === 'skipped' || status === 'pending') console.log(`skipped: ${fullName}`);
    }
    if (report.numTotalTests === 0) failed += 1;
  } catch (error) {
    console.error(`${path}: ${error.message}`);
    failed += 1;
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
