#!/usr/bin/env node
// Completes the build of tsc: copies the migrations beside the compiled store, and makes the command executable.
import { chmodSync, cpSync, rmSync } from 'node:fs'

const root = new URL('../', import.meta.url)
const migrations = new URL('dist/checkpoint/store/migrations/', root)

// A migration that was renamed must not remain under its old name.
rmSync(migrations, { recursive: true, force: true })
cpSync(new URL('src/checkpoint/store/migrations/', root), migrations, { recursive: true })
chmodSync(new URL('dist/main.js', root), 0o755)
