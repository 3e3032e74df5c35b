#!/bin/sh
# Rebuilds api/http/graphiql/assets from the pinned packages; needs node and npm.
set -eu
cd "$(dirname "$0")"
out=../../api/http/graphiql/assets
npm ci --no-audit --no-fund --ignore-scripts
rm -rf "$out"
mkdir -p "$out"
npx --no-install esbuild index.jsx --bundle --minify --format=iife --target=es2022 --jsx=automatic \
  --define:process.env.NODE_ENV='"production"' --legal-comments=none \
  --loader:.woff2=dataurl --loader:.woff=empty --loader:.ttf=empty \
  --outfile="$out/graphiql.js" --metafile=build/meta.json
node notices.mjs build/meta.json > "$out/NOTICES.txt"
