// Prints what graphql-http's auditServer finds: node audit.mjs FOLDER_OF_PACKAGES URL TOKEN
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [folder, url, token] = process.argv.slice(2);
const { auditServer } = createRequire(join(folder, 'package.json'))('graphql-http');

const fetchFn = (target, options = {}) =>
  fetch(target, { ...options, headers: { ...options.headers, Authorization: `Bearer ${token}` } });

const results = await auditServer({ url, fetchFn });
console.log(JSON.stringify(results.map(({ id, name, status, reason }) => ({ id, name, status, reason }))));
