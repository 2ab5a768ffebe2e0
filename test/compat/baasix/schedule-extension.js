// extensions/baasix-schedule-task-processor/index.js
import schedule from "node-schedule";
import tasksService from "tickwork/compat/services/TasksService";
import { getSequelize } from "tickwork/compat/utils/database";

// Run every 5 minutes
const job = schedule.scheduleJob("*/5 * * * *", async function () {
    console.log("Task processor started");

    // Check if another task is already running
    if (await tasksService.isTaskRunning()) {
        console.log("Task already running, skipping...");
        return;
    }

    // Mark task as running
    await tasksService.setTaskRunning(true);

    try {
        // Get available tasks
        const tasks = await tasksService.getNotStartedTasks();

        if (tasks.length === 0) {
            console.log("No tasks to process");
            return;
        }

        console.log(`Processing ${tasks.length} tasks`);

        // Process first available task
        const task = tasks[0];
        await processTask(task);

    } catch (error) {
        console.error("Task processing error:", error);
    } finally {
        // Always mark task as not running
        await tasksService.setTaskRunning(false);
    }
});

async function processTask(task) {
    const sequelize = getSequelize();
    const TasksModel = sequelize.models.baasix_Tasks;

    try {
        // Update task status to Running
        await TasksModel.update(
            { task_status: "Running" },
            { where: { id: task.id } }
        );

        // Simulate task processing based on task.type
        switch (task.type) {
            case "email_batch":
                await processBatchEmails(task);
                break;
            case "data_export":
                await processDataExport(task);
                break;
            case "cleanup":
                await processCleanup(task);
                break;
            default:
                throw new Error(`Unknown task type: ${task.type}`);
        }

        // Mark task as completed
        await TasksModel.update(
            { task_status: "Completed" },
            { where: { id: task.id } }
        );

        console.log(`Task ${task.id} completed successfully`);

    } catch (error) {
        // Mark task as error
        await TasksModel.update(
            {
                task_status: "Error",
                error_message: error.message
            },
            { where: { id: task.id } }
        );

        console.error(`Task ${task.id} failed:`, error);
        throw error;
    }
}

export default job;
