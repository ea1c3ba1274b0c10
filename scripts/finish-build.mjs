#!/usr/bin/env node
// What tsc leaves undone: the migrations beside the compiled store, and the command's executable bit.
import { chmodSync, cpSync, rmSync } from 'node:fs'

const root = new URL('../', import.meta.url)
const migrations = new URL('dist/checkpoint/store/migrations/', root)

// A migration that was renamed must not stay behind under its old name.
rmSync(migrations, { recursive: true, force: true })
cpSync(new URL('src/checkpoint/store/migrations/', root), migrations, { recursive: true })
chmodSync(new URL('dist/main.js', root), 0o755)
