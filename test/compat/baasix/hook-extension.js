// extensions/baasix-hook-task-creator/index.js
import hooksService from "tickwork/compat/services/HooksService";
import tasksService from "tickwork/compat/services/TasksService";
import { getSequelize } from "tickwork/compat/utils/database";

// Create a task when a large data import is completed
hooksService.registerHook("data_imports", "items.create.after", async ({ data }) => {
    if (data.status === "completed" && data.record_count > 1000) {
        const sequelize = getSequelize();
        const TasksModel = sequelize.models.baasix_Tasks;

        // Create a cleanup task
        await TasksModel.create({
            type: "cleanup_temp_files",
            task_status: "Not started",
            metadata: JSON.stringify({
                import_id: data.id,
                temp_files: data.temp_files
            })
        });

        console.log(`Created cleanup task for import ${data.id}`);

        // Optionally force refresh cache for immediate availability
        await tasksService.forceRefresh();
    }

    return data;
});
