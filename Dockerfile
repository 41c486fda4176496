# moeprof as an image: docker build -t moeprof . && docker run --rm -v "$PWD:/work" moeprof run my-run.yaml
FROM node:22-slim AS build
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN npm pack --silent && mv moeprof-*.tgz /moeprof.tgz

FROM node:22-slim
COPY --from=build /moeprof.tgz /tmp/moeprof.tgz
# With what queues and ONNX predictors need.
RUN npm install --global --ignore-scripts --no-audit --no-fund /tmp/moeprof.tgz bullmq@6 ioredis@5 onnxruntime-node@1.30 && rm /tmp/moeprof.tgz && npm cache clean --force
USER node
WORKDIR /work
ENTRYPOINT ["moeprof"]
CMD ["--help"]
