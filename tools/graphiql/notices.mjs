// Prints the name, version and licence text of every package in an esbuild metafile.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const meta = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const folders = new Set();
for (const input of Object.keys(meta.inputs)) {
  const found = input.match(/^(?:.*node_modules\/)(?:@[^/]+\/)?[^/]+/);
  if (found) folders.add(found[0]);
}

console.log('graphiql.js and graphiql.css contain these packages.');
for (const folder of [...folders].sort()) {
  if (!existsSync(join(folder, 'package.json'))) continue;
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find(entry => /^(licen[cs]e|copying)/i.test(entry));
  console.log(`\n${'='.repeat(72)}\n${name} ${version} (${license})\n`);
  if (file) console.log(readFileSync(join(folder, file), 'utf8').trim());
}
