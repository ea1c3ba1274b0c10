import { writeFileSync } from 'node:fs'
import { configurationDocument } from '../src/config/documentation.ts'
import { configYaml } from '../src/config/example.ts'

writeFileSync(new URL('../config/mediquo-cdc.example.yaml', import.meta.url), configYaml())
writeFileSync(new URL('../docs/configuration.md', import.meta.url), configurationDocument())
