/** The ONNX project's own tests: every one that applies passes, or stands in the list of skips and does not. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { suiteRunner } from '../onnx/runner.mjs';
import { SKIPS } from '../onnx/skips.mjs';
import { isInstalled } from '../onnx/suite.mjs';

const MISSING = 'libonnx-testdata is not installed: sudo apt-get install libonnx-testdata';

if (!isInstalled()) test('the ONNX suite', { skip: MISSING });
else {
  const runner = await suiteRunner();
  let passed = 0;
  describe('the ONNX suite', () => {
    after(() => runner.dispose());
    before(() => assert.ok(runner.tests.length > 600, `only ${runner.tests.length} tests apply`));
    for (const one of runner.tests) {
      const reason = SKIPS.get(one.name);
      test(reason ? `${one.name} (skipped: ${reason})` : one.name, async () => {
        const result = await runner.run(one);
        if (reason) assert.ok(!result.passed, 'passes, so it must leave tests/onnx/skips.mjs');
        else if (result.passed) passed++;
        else assert.fail(result.why);
      });
    }
    test('every skip is a test that applies', () => {
      const names = new Set(runner.tests.map(({ name }) => name));
      assert.deepEqual(
        [...SKIPS.keys()].filter((name) => !names.has(name)),
        [],
      );
    });
    test('counts', (context) => {
      /** @type {Map<string, number>} */
      const reasons = new Map();
      for (const reason of SKIPS.values()) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
      const skips = [...reasons].map(([reason, count]) => `${count}: ${reason}`).join('; ');
      const text = `ONNX suite: ${passed} of ${runner.tests.length} applicable tests pass, ${SKIPS.size} are skipped (${skips})`;
      context.diagnostic(text);
      console.log(text);
      assert.equal(passed + SKIPS.size, runner.tests.length);
    });
  });
}
