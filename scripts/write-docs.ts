import { writeFileSync } from 'node:fs'
import { configurationDocument } from '../src/config/documentation/documentation.ts'
import { configYaml } from '../src/config/documentation/example.ts'

writeFileSync(new URL('../config/mediquo-cdc.example.yaml', import.meta.url), configYaml())
writeFileSync(new URL('../docs/configuration.md', import.meta.url), configurationDocument())
