# syntax=docker/dockerfile:1
FROM node:24-bookworm-slim AS base
WORKDIR /app
COPY package.json package-lock.json ./

FROM base AS build
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/finish-build.mjs scripts/
COPY src src
RUN npm run build && rm dist/.tsbuildinfo

FROM base AS dependencies
# What a running process never reads stays out: typings, source maps, manuals, sources, and drizzle-orm's CommonJS twins.
RUN npm ci --omit=dev --ignore-scripts && npm cache clean --force \
 && find node_modules -type f \( -name '*.d.ts' -o -name '*.d.cts' -o -name '*.d.mts' -o -name '*.map' \
      -o -iname 'readme*' -o -iname 'changelog*' -o -iname 'history.md' \) -delete \
 && find node_modules/drizzle-orm -type f -name '*.cjs' -delete \
 && rm -rf node_modules/zod/src && find node_modules -type d -empty -delete

FROM node:24-bookworm-slim
ARG VERSION=unknown
ARG REVISION=unknown
ARG CREATED=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="mediquo-cdc" \
      org.opencontainers.image.description="Keeps mediQuo's patients in step with one table of your PostgreSQL, through logical replication" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.base.name="docker.io/library/node:24-bookworm-slim"
# The heap limits fit a container of 256 MiB. MALLOC_ARENA_MAX: a heap per thread would keep what the threads freed.
ENV NODE_ENV=production \
    NODE_OPTIONS="--max-old-space-size=112 --max-semi-space-size=4" \
    MALLOC_ARENA_MAX=2 \
    HTTP_HOST=0.0.0.0
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY config/mediquo-cdc.example.yaml config/
COPY package.json LICENSE ./
# The image's user `node`, as a number: an orchestrator that refuses root can tell only from a number.
USER 1000:1000
EXPOSE 8080
STOPSIGNAL SIGTERM
# A heap of 16 MB is too tight: one check in ninety hung or failed at its own exit; of 64 MB it uses no more, and none did.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "--max-old-space-size=64", "-e", "fetch(`http://127.0.0.1:${process.env.HTTP_PORT || 8080}/healthz`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "dist/main.js"]
CMD ["run"]
