/**
 * Runs tests of the suite and prints what each gives: node tests/onnx/run-suite.mjs [pattern …]
 */
import { suiteRunner } from './runner.mjs';

const patterns = process.argv.slice(2);
const runner = await suiteRunner();
/** @type {Map<string, number>} */
const reasons = new Map();
let passed = 0;
let count = 0;
for (const test of runner.tests) {
  if (patterns.length > 0 && !patterns.some((pattern) => test.name.includes(pattern))) continue;
  const result = await runner.run(test);
  count++;
  if (result.passed) passed++;
  else {
    console.log(`${test.name}: ${result.why}`);
    const reason = result.why
      .replace(/'[^']*'/g, "'…'")
      .replace(/[\d.e+-]+/g, '0')
      .slice(0, 90);
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
}
for (const [reason, n] of [...reasons].sort((a, b) => b[1] - a[1])) console.log(`${n}  ${reason}`);
console.log(`${passed} of ${count} applicable tests passed`);
await runner.dispose();
